"""Allure's results: every case below its requirement, with its verdict, its history and pictures."""
