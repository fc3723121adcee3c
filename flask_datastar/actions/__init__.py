"""Actions and page helpers: the methods of ``datastar`` that templates call."""
