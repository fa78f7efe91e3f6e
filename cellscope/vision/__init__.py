"""Ways of looking into a convolutional network, one a file. Each takes a Classifier and arrays and gives arrays."""
