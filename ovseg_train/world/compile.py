"""From a scene to a MuJoCo model."""

from __future__ import annotations

from typing import Any

import numpy as np

from ovseg_train.world.gl import load_mujoco
from ovseg_train.world.looks import Look, sky_cube
from ovseg_train.world.meshes import Mesh
from ovseg_train.world.parts import Part, Shape, Surface
from ovseg_train.world.scene import Scene

NEAR_M = 0.05
FAR_M = 200.0


def compile_scene(scene: Scene, width_px: int, height_px: int) -> Any:
    """Build the mujoco.MjModel of a scene; geom i is part i.

    Args:
        scene: what to build.
        width_px: width of the images that will be rendered.
        height_px: their height.

    Raises:
        RenderingUnavailableError: MuJoCo is missing.
    """
    mujoco = load_mujoco()
    spec = mujoco.MjSpec()
    _set_view(spec, scene, width_px, height_px)
    sky = sky_cube(scene.air, np.random.default_rng([scene.seed, 3]))
    _texture(spec, "sky", sky, mujoco.mjtTexture.mjTEXTURE_SKYBOX)
    materials: dict[int, str] = {}
    meshes: dict[int, str] = {}
    for part in scene.parts:
        if id(part.surface) not in materials:
            materials[id(part.surface)] = _material(mujoco, spec, part.surface, len(materials))
        if part.mesh is not None and id(part.mesh) not in meshes:
            meshes[id(part.mesh)] = _mesh(mujoco, spec, part.mesh, len(meshes))
        _geom(mujoco, spec, part, materials[id(part.surface)], meshes)
    spec.worldbody.add_camera(name="camera", fovy=scene.fovy_deg)
    _sun(mujoco, spec, scene)
    return spec.compile()


def _set_view(spec: Any, scene: Scene, width_px: int, height_px: int) -> None:
    view = spec.visual
    view.global_.offwidth, view.global_.offheight = width_px, height_px
    view.quality.shadowsize = 1024
    view.quality.offsamples = 4
    view.map.znear, view.map.zfar = NEAR_M, FAR_M
    view.map.shadowclip = 18.0
    spec.stat.extent = 1.0
    view.headlight.ambient = scene.air.ambient_rgb
    view.headlight.diffuse = [0.08, 0.08, 0.08]
    view.headlight.specular = [0.0, 0.0, 0.0]


def _sun(mujoco: Any, spec: Any, scene: Scene) -> None:
    has_shadow = scene.air.look in (Look.DAY, Look.DUSK)
    spec.worldbody.add_light(
        name="sun",
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        castshadow=has_shadow,
        dir=scene.air.sun_direction,
        pos=[0, 0, 30],
        diffuse=scene.air.sun_rgb,
        ambient=[0, 0, 0],
        specular=[0.3, 0.3, 0.3],
    )


def _texture(spec: Any, name: str, image: np.ndarray, kind: Any) -> None:
    texture = spec.add_texture(name=name, type=kind)
    texture.height, texture.width = image.shape[:2]
    texture.nchannel = 3
    texture.data = np.ascontiguousarray(image).tobytes()


def _material(mujoco: Any, spec: Any, surface: Surface, index: int) -> str:
    name = f"material{index}"
    material = spec.add_material(
        name=name,
        rgba=[*surface.rgb, 1.0],
        specular=surface.shine,
        shininess=0.4,
        emission=0.35 * surface.glow,
    )
    if surface.texture is None:
        return name
    kind = mujoco.mjtTexture.mjTEXTURE_2D if surface.planar else mujoco.mjtTexture.mjTEXTURE_CUBE
    image = surface.texture if surface.planar else np.concatenate([surface.texture] * 6)
    _texture(spec, f"texture{index}", image, kind)
    slots = [""] * int(mujoco.mjtTextureRole.mjNTEXROLE)
    slots[int(mujoco.mjtTextureRole.mjTEXROLE_RGB)] = f"texture{index}"
    material.textures = slots
    material.texuniform = False
    return name


def _mesh(mujoco: Any, spec: Any, mesh: Mesh, index: int) -> str:
    name = f"mesh{index}"
    asset = spec.add_mesh(name=name, inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL)
    asset.uservert = mesh.vertices_m.ravel()
    asset.userface = mesh.faces.ravel()
    if mesh.uv is not None:
        asset.usertexcoord = mesh.uv.ravel()
    return name


def _geom(mujoco: Any, spec: Any, part: Part, material: str, meshes: dict[int, str]) -> None:
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, np.ascontiguousarray(part.rot).ravel())
    geom = spec.worldbody.add_geom(
        type=getattr(mujoco.mjtGeom, f"mjGEOM_{part.shape.name}"),
        pos=part.pos_m,
        quat=quat,
        material=material,
        contype=0,
        conaffinity=0,
    )
    if part.shape is Shape.MESH:
        geom.meshname = meshes[id(part.mesh)]
    else:
        geom.size = list(part.half_m)
