"""Pure codecs between ROS messages and the values of ``s2m_ros.types``.

They read any object with the attributes of the message (rclpy's or rosbags') and write through a
``MessageFactory``. Every decoder raises ``InputError`` naming its source.
"""
