"""How the gallery's figures look: colours that differ in print and for the colour-blind (Okabe and Ito 2008)."""

STYLE = {
    "figure.figsize": (7.2, 4.2),
    "figure.dpi": 110,
    "figure.constrained_layout.use": True,
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
}


def reset(gallery_conf, fname):
    """Before each example; every example is drawn alike whatever the one before has changed."""
    import matplotlib as mpl
    from cycler import cycler

    colours = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
    mpl.rcParams.update({**STYLE, "axes.prop_cycle": cycler(color=colours)})
