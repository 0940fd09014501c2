"""The processes of the demo and the benchmarks that are on the ROS graph: the camera, the operator
and the recorder."""
