"""Our networks against recorded outputs of the published programs, stage by stage."""
