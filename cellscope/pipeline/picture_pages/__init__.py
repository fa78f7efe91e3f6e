"""From a search over pictures to its pages: what is measured for them, and how it is laid out."""
