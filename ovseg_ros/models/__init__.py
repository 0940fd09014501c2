"""The networks, one system per file, in torch: used to train and to export, not on the robot."""
