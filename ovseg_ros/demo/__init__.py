"""The demo: a camera, the node, an operator and a recorder as processes, and what they left behind.

Nothing here imports rclpy; the processes themselves are in `ovseg_ros.nodes.demo`.
"""
