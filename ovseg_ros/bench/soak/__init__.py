"""The soak test: the node for minutes or hours, among everything that goes wrong around a robot."""
