"""ROS 2 bags without ROS: what is in them, their messages, and writing them."""
