"""The findings of ``flask datastar check``: mistakes in an app's templates and Python that need no running page."""
