"""Training, its checkpoints, and the run folder. `loop` knows no model of ours; `run` knows where things lie."""
