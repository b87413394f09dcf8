"""Other ways to do what our network does, trained and measured like it: is recurrence worth its price?"""
