"""Figures as functions of tables: ``draw_*`` fills axes that are given, ``figure`` lays out a whole page."""
