"""The operator's web page: what it is served by, without ROS; `nodes/console` has the ROS side."""
