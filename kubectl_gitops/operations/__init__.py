"""The verbs: each module is one, or a part that several of them share.

They decide what a command means, talk to cluster and store through `kubectl_gitops.ports` alone,
and print nothing.
"""
