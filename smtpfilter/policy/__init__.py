"""What each recipient wants: lookup keys, layers, effective settings, sender lists, ban rules.
Pure.
"""
