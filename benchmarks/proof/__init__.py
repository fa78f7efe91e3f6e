"""The proof that cellscope tells the truth, a file for each part; `python benchmarks/truth.py` runs them."""
