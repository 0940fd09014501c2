"""The processes of the soak test that are on the ROS graph: camera, operator and listener."""
