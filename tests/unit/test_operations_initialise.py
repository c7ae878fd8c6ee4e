from __future__ import annotations

import pytest

from kubectl_gitops.operations.initialise import set_name
from kubectl_gitops.settings import StoreSettings, parse_store_settings, render_store_settings


@pytest.mark.parametrize(
    ("url", "path", "name"),
    [
        ("https://git.example.com/team/shop.git", "", "shop"),
        ("https://git.example.com/team/Shop_Prod.git/", "", "shop-prod"),
        ("git@example.com:shop.git", "", "shop"),
        ("/srv/git/shop", "", "shop"),
        (r"C:\git\shop.git", "", "shop"),
        ("/srv/shop.git", "clusters/prod", "shop-clusters-prod"),
        ("/srv/shop.git", ".", "shop"),
        ("/srv/.git", "", "default"),
        ("/srv/лавка.git", "", "default"),
        ("/", "", "default"),
        (f"/srv/{'a' * 60}.git", "", "a" * 40),
        (f"/srv/{'a' * 39}-b.git", "", "a" * 39),
    ],
)
def test_a_set_is_named_after_the_place_where_it_is_kept(url, path, name):
    assert set_name(url, path) == name


@pytest.mark.parametrize("url", ["/srv/shop.git", "/srv/--.git", "/srv/9 lives.git", "//"])
def test_every_such_name_is_one_that_the_settings_accept(url):
    settings = StoreSettings(set_name(url, ""))
    assert parse_store_settings(render_store_settings(settings)) == settings
