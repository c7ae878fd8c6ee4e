"""kubectl gitops: every change to a cluster is a commit first."""

__version__ = "0.1.0"
