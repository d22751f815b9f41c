import re, sys
try:
    import tomllib
except ImportError:
    from pip._vendor import tomli as tomllib
def bounds(version):
    if version == "*" or version[0] in "<>=!" or version.startswith("~="):
        return version.strip("*")
    if version[0] not in "^~":
        return "==" + version
    numbers = [int(number) for number in re.findall(r"\d+", version)][:3]
    first = next((at for at, number in enumerate(numbers) if number), len(numbers) - 1)
    upper = numbers[:first + 1] if version[0] == "^" else numbers[:2]
    upper[-1] += 1
    return ">=%s,<%s" % (version[1:], ".".join(map(str, upper)))
with open(sys.argv[1], "rb") as file:
    document = tomllib.load(file)
for name, wanted in (document.get("packages") or document["tool"]["poetry"]["dependencies"]).items():
    wanted = wanted if isinstance(wanted, dict) else {"version": wanted}
    if name.lower() == "python" or wanted.get("optional"):
        continue
    extras = "[%s]" % ",".join(wanted["extras"]) if wanted.get("extras") else ""
    if "path" in wanted:
        print("./" + wanted["path"])
    elif "url" in wanted or "git" in wanted:
        at = wanted.get("rev") or wanted.get("tag") or wanted.get("branch") or wanted.get("ref")
        print(name + extras, "@", wanted.get("url") or "git+" + wanted["git"] + ("@" + at if at else ""))
    else:
        versions = wanted.get("version", "*").split(",")
        marker = " ; " + wanted["markers"] if wanted.get("markers") else ""
        print(name + extras + ",".join(bounds(version.strip()) for version in versions) + marker)
