"""What templates write: actions, and the helpers of ``datastar`` in templates."""
