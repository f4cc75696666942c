"""From rays to colours: what each ray meets, and the light that comes back along it.

Sun and lamps with soft edges (one jittered shadow ray each), sky light with ambient occlusion,
Blinn-Phong highlights, Fresnel reflection of the sky on gloss and of the scene on wet ground.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from s2m_ros.sim import contact, lamps, noise
from s2m_ros.sim.scene import Scene
from s2m_ros.sim.tracer import Hits
from s2m_ros.sim.vectors import dot, length, unit
from s2m_ros.types import Bool, Float32, UInt8

EPSILON_M = 2e-3
SPARSE = 0.3
"""Share of the meshes' pixels from which a ray looks for the sky; the others take the mean."""


@dataclass(frozen=True, slots=True, eq=False)
class Surfels:
    """What N rays meet. distance: float32, infinite for the sky; actor: int32 index or -1;
    material: int32, -1 for ground, -2 for sky; label: uint8; point, normal: float32 (N, 3)."""

    distance: Float32
    actor: NDArray[np.int32]
    material: NDArray[np.int32]
    label: UInt8
    point: Float32
    normal: Float32


def meet(scene: Scene, origins: Float32, directions: Float32) -> tuple[Surfels, Hits]:
    """Cast rays at the scene: float32 (N, 3) each, unit directions. Label of the sky stays 0."""
    hits = scene.tracer.cast(origins, directions)
    ground = scene.terrain.distance(origins, directions)
    on_ground = (ground < hits.distance) & (ground < 3000)
    distance = np.where(on_ground, ground, hits.distance)
    n = len(origins)
    actor = np.full(n, -1, np.int32)
    material = np.where(on_ground, np.int32(-1), np.int32(-2))
    normal = np.zeros((n, 3), np.float32)
    normal[:, 2] = 1
    label = np.zeros(n, np.uint8)
    index = np.flatnonzero(~on_ground & (hits.face >= 0))
    if len(index):
        face = hits.face[index]
        actor[index] = scene.face_actor[face]
        material[index] = scene.face_material[face]
        label[index] = scene.labels[actor[index]]
        u, v = hits.u[index, None], hits.v[index, None]
        corner = scene.normals[face]
        blended = corner[:, 0] * (1 - u - v) + corner[:, 1] * u + corner[:, 2] * v
        blended = unit(blended)
        away = dot(blended, directions[index]) > 0
        blended[away] *= -1
        normal[index] = blended
    reach = np.where(np.isfinite(distance), distance, 0)[:, None]
    point = origins + directions * reach
    if not scene.terrain.level:
        point_x, point_y = point[on_ground, 0], point[on_ground, 1]
        normal[on_ground] = scene.terrain.normals(point_x, point_y)
    return Surfels(distance, actor, material, label, point, normal), hits


class Shader:
    """Shades rays of one scene. Deterministic for a generator of the caller."""

    def __init__(self, scene: Scene, seed: int = 0) -> None:
        self.scene = scene
        rng = np.random.default_rng(seed)
        self._grime = noise.tile(rng, 256, 1.5)
        self._patches = [
            contact.trace(a.model.meshes[0]) if a.model.category != "Pole" else None
            for a in scene.actors
        ]

    def shade(
        self,
        origins: Float32,
        directions: Float32,
        pixel_rad: float,
        rng: np.random.Generator,
        shape: tuple[int, int] | None = None,
        bounce: bool = True,
    ) -> tuple[Float32, Surfels]:
        """Radiance (N, 3) along rays, and what they meet.

        shape: (height, width) when the rays are a whole picture, so that the grain of the shadow
        rays can be smoothed over neighbours; bounce: trace reflections on wet ground.
        """
        scene, light = self.scene, self.scene.sky.light
        found, _ = meet(scene, origins, directions)
        colour = np.zeros((len(origins), 3), np.float32)
        sky = np.flatnonzero(found.material == -2)
        if len(sky):
            colour[sky], found.label[sky] = scene.sky.backdrop(directions[sky])
        solid = np.flatnonzero(found.material != -2)
        if not len(solid):
            return colour, found
        ground = found.material == -1
        sunlit = self._sunlight(found, solid, rng, shape)
        openness, sampled = self._openness(found, solid, rng, shape is not None)
        lamplit = self._lamplight(found, solid, rng)
        if shape is not None:
            if lamplit is not None:
                lamplit = np.asarray(cv2.blur(lamplit.reshape(*shape, 3), (3, 3)).reshape(-1, 3))
            sunlit = _smooth(sunlit, ground, shape, 3)
            smooth = _smooth(openness, sampled, shape, 9, found.material >= 0)
            openness = np.where(ground, openness, smooth)
        g = np.flatnonzero(ground)
        if len(g):
            extra = None if lamplit is None else lamplit[g]
            colour[g] = self._shade_ground(
                found, g, directions, sunlit[g], openness[g], extra, pixel_rad, rng, shape, bounce
            )
        m = np.flatnonzero(found.material >= 0)
        if len(m):
            extra = None if lamplit is None else lamplit[m]
            colour[m] = self._shade_mesh(
                found, m, directions, sunlit[m], openness[m], extra, pixel_rad
            )
        clear = np.exp(found.distance * np.float32(-2.0 / light.visibility_m))
        clear[sky] = 1
        veil = np.array(light.horizon, np.float32) * np.float32(0.9)
        colour *= clear[:, None]
        colour += (1 - clear)[:, None] * veil
        return colour, found

    def _sunlight(
        self,
        found: Surfels,
        solid: NDArray[np.intp],
        rng: np.random.Generator,
        shape: tuple[int, int] | None = None,
    ) -> Float32:
        """Cosine to the sun times visibility, for all rays: float32 (N,).

        In a picture nine neighbours look at nine places of the sun, whose mean is smooth.
        """
        light = self.scene.sky.light
        sun = light.direction
        out = np.zeros(len(found.distance), np.float32)
        if not any(light.sun):
            return out
        cosine = found.normal[solid] @ sun
        lit = np.flatnonzero(cosine > 0)
        index = solid[lit]
        out[index] = cosine[lit]
        point = found.point[index]
        doubtful = (found.material[index] >= 0) | self.scene.shadows.possible(
            point[:, 0], point[:, 1]
        )
        index = index[doubtful]
        if shape is None:
            jitter = rng.standard_normal((len(index), 3), dtype=np.float32)
        else:
            row, column = np.divmod(index, shape[1])
            jitter = _SUN_PLACES[row % 3 * 3 + column % 3]
        toward = sun + jitter * np.float32(light.softness)
        start = found.point[index] + found.normal[index] * np.float32(EPSILON_M)
        blocked = self.scene.tracer.blocked(start, np.ascontiguousarray(toward))
        out[index] *= ~blocked
        return out

    def _lamplight(
        self, found: Surfels, solid: NDArray[np.intp], rng: np.random.Generator
    ) -> Float32 | None:
        """Light of the lamps on all points, float32 (N, 3), or None without lamps."""
        scene = self.scene
        if not scene.lamps:
            return None
        out = np.zeros((len(found.distance), 3), np.float32)
        point, normal = found.point[solid], found.normal[solid]
        mesh = found.material[solid] >= 0
        for number, lamp in enumerate(scene.lamps):
            power, toward = lamp.irradiance(point, normal)
            lit = np.flatnonzero(power * float(lamp.intensity.max()) > lamps.DIM)
            if lamp.casts and len(lit):
                reach = scene.lamp_shadows(number)
                doubtful = lit[mesh[lit] | reach.possible(point[lit, 0], point[lit, 1])]
                start = point[doubtful] + normal[doubtful] * np.float32(EPSILON_M)
                jitter = rng.standard_normal((len(doubtful), 3), dtype=np.float32)
                ends = lamp.place + jitter * np.float32(lamps.SOURCE_M)
                # The ray ends short of the lamp, which has a body itself.
                away = length(ends - start)
                ray = toward[doubtful] + jitter * (lamps.SOURCE_M / away)[:, None]
                shaded = scene.tracer.blocked(
                    start, np.ascontiguousarray(ray), np.maximum(away - 2.0, 0.1)
                )
                power[doubtful[shaded]] = 0
            out[solid[lit]] += power[lit, None] * lamp.intensity
        return out

    def _openness(
        self,
        found: Surfels,
        solid: NDArray[np.intp],
        rng: np.random.Generator,
        sparse: bool,
    ) -> tuple[Float32, Bool]:
        """Share of the sky that each point sees: contact patches on the ground, else one ray.

        sparse: cast it for some of the meshes' points only; the second array, bool (N,), says
        which these are.
        """
        out = np.ones(len(found.distance), np.float32)
        sampled = np.zeros(len(found.distance), np.bool_)
        scene = self.scene
        ground = solid[found.material[solid] == -1]
        near = ground[found.distance[ground] < 150]
        x, y = found.point[near, 0], found.point[near, 1]
        value = np.ones(len(near), np.float32)
        for i, patch in enumerate(self._patches):
            if patch is not None:
                contact.apply(patch, x, y, scene.origin[i], scene.heading[i], value)
        out[near] = value
        mesh = solid[found.material[solid] >= 0]
        if sparse:
            mesh = mesh[rng.random(len(mesh)) < SPARSE]
        if len(mesh):
            ray = rng.standard_normal((len(mesh), 3), dtype=np.float32)
            ray = unit(ray) + found.normal[mesh] * np.float32(1.001)
            start = found.point[mesh] + found.normal[mesh] * np.float32(EPSILON_M)
            blocked = scene.tracer.blocked(start, np.ascontiguousarray(ray))
            height = found.point[mesh, 2] - scene.base[found.actor[mesh]]
            low = np.exp(-height / np.float32(0.25)) * (0.5 - 0.5 * found.normal[mesh, 2])
            out[mesh] = np.where(blocked, np.float32(0.12), np.float32(1.0)) * (1 - 0.6 * low)
            sampled[mesh] = True
        return out, sampled

    def _shade_ground(
        self,
        found: Surfels,
        g: NDArray[np.intp],
        directions: Float32,
        sunlit: Float32,
        openness: Float32,
        lamplit: Float32 | None,
        pixel_rad: float,
        rng: np.random.Generator,
        shape: tuple[int, int] | None,
        bounce: bool,
    ) -> Float32:
        scene, sky = self.scene, self.scene.sky
        d, point = directions[g], found.point[g]
        steep = np.maximum(-d[:, 2], np.float32(0.004))
        lateral = found.distance[g] * np.float32(pixel_rad)
        level = unit(d[:, :2])
        painted = scene.ground.sample(point[:, 0], point[:, 1], lateral, lateral / steep, level)
        found.label[g] = painted.zone
        wet = painted.wet
        albedo = painted.albedo * (1 - np.float32(0.5) * np.minimum(wet * 2.2, 1))[:, None]
        sun = np.array(sky.light.sun, np.float32)
        diffuse = sunlit[:, None] * sun + sky.ambient(np.ones(1, np.float32)) * openness[:, None]
        if lamplit is not None:
            diffuse += lamplit
        colour = albedo * diffuse
        grazing = _fifth(1 - steep)
        mirror = d * np.array([1, 1, -1], np.float32)
        # A dry surface shines a little at grazing angles, more so against the sun.
        toward = np.clip(mirror @ sky.light.direction, 0, 1)
        sheen = np.float32(0.05) * grazing * openness
        seventh = toward * toward * toward
        seventh *= seventh * toward
        glare = np.float32(0.3) * grazing * seventh * seventh * (sunlit > 0)
        colour += sheen[:, None] * np.array(sky.light.horizon, np.float32) + glare[:, None] * sun
        shiny = np.flatnonzero(wet > 0.06)
        if len(shiny):
            film = noise.smoothstep(0.05, 0.75, wet[shiny])
            fresnel = np.float32(0.02) + np.float32(0.98) * grazing[shiny]
            rough = (
                rng.standard_normal((len(shiny), 3), dtype=np.float32)
                * (0.035 * (1 - film) + 0.004)[:, None]
            )
            rough[:, 2] *= 0.6
            ray = mirror[shiny] + rough
            ray[:, 2] = np.maximum(ray[:, 2], 1e-3)
            ray = unit(ray)
            if bounce:
                start = point[shiny] + np.array([0, 0, EPSILON_M], np.float32)
                seen, _ = self.shade(
                    start, np.ascontiguousarray(ray), pixel_rad * 4, rng, None, False
                )
            else:
                seen = sky.radiance(ray)
            if shape is not None:
                seen = _streak(seen, g[shiny], shape)
            weight = (film * fresnel)[:, None]
            colour[shiny] = colour[shiny] * (1 - weight) + seen * weight
        return np.asarray(colour, np.float32)

    def _shade_mesh(
        self,
        found: Surfels,
        m: NDArray[np.intp],
        directions: Float32,
        sunlit: Float32,
        openness: Float32,
        lamplit: Float32 | None,
        pixel_rad: float,
    ) -> Float32:
        table, sky = self.scene.materials, self.scene.sky
        row, normal, d = found.material[m], found.normal[m], directions[m]
        albedo = self._albedo(found, m, pixel_rad)
        sun = np.array(sky.light.sun, np.float32)
        ambient = sky.ambient(normal[:, 2]) * openness[:, None]
        specular, gloss = table["specular"][row], table["gloss"][row]
        metal = np.clip((specular - 0.2) * 2, 0, 1)[:, None]
        tint = 1 + (albedo - 1) * metal
        light = sunlit[:, None] * sun + ambient
        if lamplit is not None:
            light += lamplit
        colour = albedo * (1 - 0.75 * metal) * light
        facing = -dot(normal, d)
        fresnel = specular + (1 - specular) * _fifth(np.clip(1 - facing, 0, 1))
        shiny = np.flatnonzero(fresnel * gloss > 0.014)  # less would not show
        if len(shiny):
            n, view, fresnel = normal[shiny], d[shiny], fresnel[shiny]
            mirror = view + n * (2 * facing[shiny])[:, None]
            up = mirror[:, 2] > 0
            seen = np.where(
                up[:, None],
                sky.radiance(mirror),
                np.float32(0.25) * sky.ambient(np.ones(1, np.float32)) + np.float32(0.1) * sun,
            )
            strength = fresnel * gloss[shiny] * (0.3 + 0.7 * openness[shiny])
            half = unit(sky.light.direction - view)
            power = np.exp2(2 + 8 * gloss[shiny])
            lobe = np.power(np.clip(dot(n, half), 0, 1), power) * (power + 8) / 25
            flash = np.minimum(fresnel * lobe, 6.0) * (sunlit[shiny] > 0)
            colour[shiny] += tint[shiny] * (strength[:, None] * seen + flash[:, None] * sun)
        return np.asarray(colour + albedo * table["emission"][row][:, None], np.float32)

    def _albedo(self, found: Surfels, m: NDArray[np.intp], pixel_rad: float) -> Float32:
        """Material colour with pattern and grime, in the actor's own frame: float32 (M, 3)."""
        scene, table = self.scene, self.scene.materials
        row, actor = found.material[m], found.actor[m]
        offset = found.point[m, :2] - scene.origin[actor]
        c, s = scene.heading[actor].T
        x, y, z = (
            offset[:, 0] * c + offset[:, 1] * s,
            offset[:, 1] * c - offset[:, 0] * s,
            found.point[m, 2] - scene.base[actor],
        )
        nx, ny = (
            (found.normal[m, 0] * c + found.normal[m, 1] * s),
            (found.normal[m, 1] * c - found.normal[m, 0] * s),
        )
        steepest = np.argmax(np.abs(np.stack([nx, ny, found.normal[m, 2]])), axis=0)
        u = np.where(steepest == 0, y, x) + actor.astype(np.float32) * np.float32(7.31)
        v = np.where(steepest == 2, y, z)
        albedo = table["albedo"][row]
        period = table["pattern_m"][row]
        kind = table["pattern"][row]
        if kind.any():
            across = np.floor((u + v * np.float32(0.6)) / period) % 2
            checks = (np.floor(u / period) + np.floor(v / period)) % 2
            blotch = (self._noise(u / period * 20, v / period * 20) > 0.2).astype(np.float32)
            mix = np.choose(kind, [np.zeros_like(u), across, checks, blotch])
            albedo = albedo + (table["second"][row] - albedo) * mix[:, None]
        grain_m, amplitude = table["grain_m"][row], table["grain"][row]
        blurred = np.clip(
            1.5 - found.distance[m] * np.float32(pixel_rad) / (grain_m * 0.15), 0.15, 1
        )
        texture = self._noise(u / grain_m * 50, v / grain_m * 50) * blurred
        texture += np.float32(0.7) * self._noise(u / grain_m * 9 + 77, v / grain_m * 9)
        dirt = 1 - np.float32(0.25) * np.exp(-z / np.float32(0.35)) * np.clip(amplitude * 6, 0.2, 1)
        return np.asarray(
            albedo * (np.maximum(1 + amplitude * texture, 0.05) * dirt)[:, None], np.float32
        )

    def _noise(self, u: Float32, v: Float32) -> Float32:
        return np.asarray(noise.lookup(self._grime, u, v))


def _sun_places() -> Float32:
    """Nine directions spread as a normal distribution is: float32 (9, 3)."""
    i = np.arange(9)
    radius, angle = np.sqrt(-2 * np.log(1 - (i + 0.5) / 9)), i * 2.39996
    level = np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius[:, None]
    return np.column_stack([level, level[::-1, 0]]).astype(np.float32)


_SUN_PLACES = _sun_places()


def _fifth(value: Float32) -> Float32:
    square = value * value
    return np.asarray(square * square * value)


def _streak(value: Float32, index: NDArray[np.intp], shape: tuple[int, int]) -> Float32:
    """Mean of reflections, (M, 3), over pixels above and below: what ripples do to them."""
    image = np.zeros((shape[0] * shape[1], 4), np.float32)
    image[index, :3], image[index, 3] = np.minimum(value, 2.0), 1
    tall = max(3, shape[0] // 60) | 1
    blurred = cv2.blur(image.reshape(*shape, 4), (3, tall)).reshape(-1, 4)[index]
    return np.asarray(blurred[:, :3] / np.maximum(blurred[:, 3:], 1e-6), np.float32)


def _smooth(
    value: Float32, mask: Bool, shape: tuple[int, int], size: int, wanted: Bool | None = None
) -> Float32:
    """Mean over a small window of the masked pixels, for those wanted; others keep their value."""
    weight = mask.reshape(shape).astype(np.float32)
    total = cv2.blur(value.reshape(shape) * weight, (size, size))
    share = cv2.blur(weight, (size, size))
    mean = (total / np.maximum(share, 1e-6)).reshape(-1)
    wanted = mask if wanted is None else wanted & (share.reshape(-1) > 1e-6)
    return np.where(wanted, mean, value)
