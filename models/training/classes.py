"""The closed set: what an apron and the roads around it normally show."""

from dataclasses import dataclass

IGNORE = 255  # label of pixels that no loss and no metric looks at


@dataclass(frozen=True)
class SceneClass:
    """One known class. `role` tells perception what the class means for the vehicle."""

    name: str
    role: str  # surface, structure, vegetation, sky, vehicle, person, sign or aircraft


CLASSES: tuple[SceneClass, ...] = (
    SceneClass("Sky", "sky"),
    SceneClass("Building", "structure"),
    SceneClass("Pole", "structure"),
    SceneClass("Road", "surface"),
    SceneClass("Pavement", "surface"),
    SceneClass("Tree", "vegetation"),
    SceneClass("SignSymbol", "sign"),
    SceneClass("Fence", "structure"),
    SceneClass("Car", "vehicle"),
    SceneClass("Pedestrian", "person"),
    SceneClass("Bicyclist", "person"),
    SceneClass("Aircraft", "aircraft"),
    SceneClass("ServiceVehicle", "vehicle"),
)
"""The first eleven keep CamVid's own order, so that its labels need no table."""

INDEX: dict[str, int] = {scene_class.name: i for i, scene_class in enumerate(CLASSES)}
