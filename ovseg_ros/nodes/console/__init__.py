"""The process behind `ovseg console`: a ROS node on one side, the web page on the other."""
