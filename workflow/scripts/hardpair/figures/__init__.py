"""Figures as functions of tables: ``draw_*`` fills axes, ``figure`` lays out a page."""
