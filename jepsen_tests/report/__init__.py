"""One page a run, one page a matrix: what was asked, what came out, and why.

A page is a single HTML file that loads nothing. Python prepares data and everything that has to be
readable without JavaScript (verdict, counterexample, numbers); `assets/` has the style sheets and
the scripts that draw the timeline and the plots. `page.py` puts a run's page together, one file a
section; `matrix.py` the index. `markup.py` is the only maker of HTML, and escapes.

After Jepsen's timeline and plots, porcupine's visualization and Elle's explanations, on one axis.
"""
