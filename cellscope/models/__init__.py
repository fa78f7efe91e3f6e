"""Networks: ours, other people's, and the one form (`Network`) in which the rest of cellscope meets either."""
