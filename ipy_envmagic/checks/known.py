"""Well-known distributions that are imported by the name they are installed by: for these the name is no guess."""

from __future__ import annotations

from ipy_envmagic.environments.distributions import normalise
from ipy_envmagic.environments.names import distribution_for, modules_for
from ipy_envmagic.environments.tables import rows

__all__ = ["distribution_of", "is_well_known", "well_known_names"]

# As of 2026-07; what people use in notebooks. Names that differ are in the table of `environments.names`.
_SAME = frozenset(
    """
    accelerate aiohttp altair anthropic anyio arviz astropy asyncpg babel black bokeh boto3 botocore bqplot
    cachetools cartopy catboost certifi cffi chardet charset-normalizer click cloudpickle cryptography cufflinks
    cython dash dask datasets diffusers distributed django docker duckdb eli5 fastai fastapi fastparquet filelock
    flask folium fsspec gensim geopandas ggplot gradio graphviz gym gymnasium h5py holoviews httpx huggingface-hub
    humanize hvplot hypothesis idna imageio importlib-metadata ipycytoscape ipykernel ipyleaflet ipympl ipyparallel
    ipython ipyvolume ipywidgets itsdangerous jax jinja2 joblib jsonschema jupyter jupyterlab jupyterlab-widgets
    kaleido keras langchain lightgbm lightning line-profiler llvmlite lxml markdown markupsafe matplotlib
    memory-profiler missingno mistune mlflow mplfinance mpmath msgpack mypy nbclient nbconvert nbformat netcdf4
    networkx nibabel nilearn nltk notebook numba numexpr numpy oauthlib openai openpyxl optuna orjson packaging
    pandas panel papermill param patsy peewee pexpect pip plotly plotnine pluggy pooch prophet protobuf psutil
    psycopg pyarrow pycocotools pycparser pydantic pydeck pydot pygments pymc pymongo pymysql pyodbc pyparsing
    pyproj pyspark pytest pytorch-lightning pytz pyvista qiskit rasterio ray redis regex requests rich ruff
    safetensors scikit-learn scipy scrapy seaborn selenium sentence-transformers sentencepiece setuptools shap
    shapely six spacy sqlalchemy sqlparse statsmodels streamlit sympy tables tabulate tenacity tensorboard
    tensorflow-hub tensorflow-probability textblob threadpoolctl tiktoken tokenizers toolz torch torchaudio
    torchvision tornado tqdm traitlets transformers typer typing-extensions tzdata ujson urllib3 uv uvicorn vaex
    vega vispy wandb watermark werkzeug wheel widgetsnbextension wordcloud wrapt xarray xlrd xlsxwriter xlwings yarl
    yellowbrick yfinance zarr
    """.split()  # noqa: SIM905 (a list of two hundred quoted names is no easier to read)
)


def distribution_of(name: str) -> str | None:
    """Return the distribution that is known to bring what was asked for, None where the same name is a guess.

    Parameters
    ----------
    name : str
        An import name or a distribution name.
    """
    known = distribution_for(name)
    if known is not None:
        return known
    if modules_for(normalise(name)) or normalise(name) in _SAME:
        return name
    root = name.partition(".")[0]
    return root if normalise(root) in _SAME else None


def is_well_known(name: str) -> bool:
    """Whether a distribution is known for the name."""
    return distribution_of(name) is not None


def well_known_names() -> frozenset[str]:
    """Return every name that is known, of modules and of distributions, in lower case."""
    return _SAME | frozenset(name.lower() for row in rows("names", 3) for name in (row[0], row[1]) if name != "-")
