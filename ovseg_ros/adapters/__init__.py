"""LoRA adapters: what is mixed into the base model for the scene at hand."""
