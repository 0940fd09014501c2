"""Offline training for ovseg_ros; imports ovseg_ros, never the other way round."""
