import sys
try:
    import tomllib
except ImportError:
    from pip._vendor import tomli as tomllib
pinned = {}
with open(sys.argv[1], "rb") as file:
    for package in tomllib.load(file).get("package", []):
        if "registry" in package.get("source", {"registry": ""}):
            pinned.setdefault(package["name"], set()).add(package["version"])
print("\n".join(name + "==" + min(versions) for name, versions in pinned.items() if len(versions) == 1))
