"""What `ovseg doctor` looks at: the machine, the libraries, ROS, packages and engines."""
