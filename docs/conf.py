"""How Sphinx makes the site of docs/ (`make docs`). Nothing in it is read from the network, neither here nor by readers."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_site")]

from sklearn_ftr import __version__  # noqa: E402

project = "sklearn_ftr"
author = copyright = "The sklearn_ftr developers"
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "numpydoc",
    "sphinx_design",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "pages",
    "live_example",
    "math_in_browsers",
]
exclude_patterns = ["_build", "_site", "_checks", "gallery", "examples", "auto_gallery/*.ipynb"]
nitpicky = True
default_role = "code"
highlight_language = "none"
suppress_warnings = ["config.cache"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4

autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
toc_object_entries_show_parents = "hide"
add_module_names = False

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_gallery",
    "doc_module": ("sklearn_ftr",),
    "backreferences_dir": "auto_gallery/backreferences",
    "within_subsection_order": "FileNameSortKey",
    "image_srcset": ["2x"],
    "abort_on_example_error": False,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "min_reported_time": 1,
    "reset_modules": ("matplotlib", "gallery_style.reset"),
    "copyfile_regex": "",
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_context = {"default_mode": "auto"}
html_theme = "pydata_sphinx_theme"
html_title = "sklearn_ftr"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/mark.svg"
html_show_sourcelink = False
html_sidebars = {"index": [], "changelog": []}
html_theme_options = {
    "logo": {
        "text": "sklearn_ftr",
        "image_light": "_static/mark.svg",
        "image_dark": "_static/mark.svg",
    },
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "show_toc_level": 2,
    "header_links_before_dropdown": 6,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
