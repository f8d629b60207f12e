"""The engines as the site wants them: which scanners are asked, what SpamAssassin is told, what
Bayes has learnt.
"""
