"""What may be in a text: features, a library of them, and the labels they give to every character."""
