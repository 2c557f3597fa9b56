"""NetworkPolicies while objects change and agents are away."""
