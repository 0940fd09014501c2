"""The ROS side: messages in and out, lifecycle, parameters. The only place that imports rclpy."""
