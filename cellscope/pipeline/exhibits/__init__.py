"""What was measured as exhibits of pages: a file a noun, whose function takes findings and gives an Exhibit."""
