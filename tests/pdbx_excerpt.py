"""An excerpt of the PDBx/mmCIF dictionary: the categories, keys and items that files of reflections have.

Names, keys and types are those of https://mmcif.wwpdb.org/dictionaries/mmcif_pdbx_v5_next.dic; the three categories at
the end are those in which its proposed extension has unmerged data.
"""

from __future__ import annotations

import gemmi

TYPES = {
    "int": ("numb", "-?[0-9]+"),
    "float": ("numb", "-?(([0-9]+)[.]?|([0-9]*[.][0-9]+))([(][0-9]+[)])?([eE][+-]?[0-9]+)?"),
    "code": ("char", "[][_,.;:\"&<>()/\\{}'`~!@#$%A-Za-z0-9*|+-]*"),
    "text": ("char", "[][ \n\t()_,.;:\"&<>/\\{}'`~!@#$%?+=*A-Za-z0-9|^-]*"),
    "date": ("char", "[0-9]?[0-9]?[0-9][0-9]-[0-9]?[0-9]-[0-9][0-9]"),
}

_CELL = " ".join(
    [*(f"length_{a} length_{a}_esd" for a in "abc"), *(f"angle_{a} angle_{a}_esd" for a in ("alpha", "beta", "gamma"))]
)
_MATRIX = " ".join(f"matrix[{i}][{j}]" for i in "123" for j in "123")

CATEGORIES: dict[str, tuple[str, dict[str, str]]] = {
    "entry": ("id", {"code": "id"}),
    "audit": ("revision_id", {"code": "revision_id", "text": "creation_method", "date": "creation_date"}),
    "software": ("pdbx_ordinal", {"int": "pdbx_ordinal", "text": "name version type classification"}),
    "exptl_crystal": ("id", {"code": "id"}),
    "diffrn": ("id", {"code": "id crystal_id"}),
    "diffrn_radiation": (
        "diffrn_id",
        {"code": "diffrn_id wavelength_id", "text": "pdbx_scattering_type pdbx_monochromatic_or_laue_m_l"},
    ),
    "diffrn_radiation_wavelength": ("id", {"code": "id", "float": "wavelength wt"}),
    "diffrn_source": ("diffrn_id", {"code": "diffrn_id", "text": "pdbx_wavelength_list"}),
    "diffrn_detector": ("diffrn_id", {"code": "diffrn_id", "date": "pdbx_collection_date"}),
    "cell": ("entry_id", {"code": "entry_id", "float": f"{_CELL} volume"}),
    "symmetry": ("entry_id", {"code": "entry_id", "int": "Int_Tables_number", "text": "space_group_name_H-M"}),
    "reflns": (
        "pdbx_ordinal",
        {
            "code": "entry_id pdbx_diffrn_id pdbx_CC_split_method",
            "int": "pdbx_ordinal number_all number_obs pdbx_number_measured_all limit_h_max limit_h_min limit_k_max "
            "limit_k_min limit_l_max limit_l_min",
            "float": "B_iso_Wilson_estimate d_resolution_high d_resolution_low observed_criterion_sigma_I "
            "percent_possible_obs pdbx_redundancy pdbx_netI_over_sigmaI pdbx_Rmerge_I_obs pdbx_Rrim_I_all "
            "pdbx_Rpim_I_all pdbx_Rmerge_I_anomalous pdbx_Rrim_I_all_anomalous pdbx_Rpim_I_all_anomalous pdbx_CC_half "
            "pdbx_CC_half_anomalous pdbx_percent_possible_anomalous pdbx_redundancy_anomalous "
            "pdbx_absDiff_over_sigma_anomalous",
        },
    ),
    "reflns_shell": (
        "pdbx_ordinal",
        {
            "code": "pdbx_diffrn_id",
            "int": "pdbx_ordinal number_measured_all number_unique_all number_unique_obs",
            "float": "d_res_high d_res_low percent_possible_all percent_possible_obs pdbx_redundancy "
            "meanI_over_sigI_obs pdbx_netI_over_sigmaI_obs Rmerge_I_obs pdbx_Rrim_I_all pdbx_Rpim_I_all pdbx_CC_half "
            "pdbx_CC_half_anomalous pdbx_percent_possible_anomalous pdbx_redundancy_anomalous",
        },
    ),
    "reflns_scale": ("group_code", {"code": "group_code"}),
    "refln": (
        "index_h index_k index_l",
        {
            "code": "crystal_id wavelength_id scale_group_code status",
            "int": "index_h index_k index_l pdbx_r_free_flag",
            "float": "F_meas_au F_meas_sigma_au pdbx_F_plus pdbx_F_plus_sigma pdbx_F_minus "
            "pdbx_F_minus_sigma pdbx_anom_difference pdbx_anom_difference_sigma intensity_meas intensity_sigma "
            "pdbx_I_plus pdbx_I_plus_sigma pdbx_I_minus pdbx_I_minus_sigma",
        },
    ),
    "pdbx_diffrn_cell": ("id", {"code": "id", "float": _CELL}),
    "pdbx_diffrn_orientation": ("id", {"code": "id", "float": _MATRIX, "text": "type"}),
    "pdbx_diffrn_batch": ("id", {"code": "id diffrn_id cell_id wavelength_id orientation_id"}),
    "diffrn_refln": (
        "diffrn_id id",
        {
            "code": "diffrn_id id pdbx_batch_id",
            "int": "index_h index_k index_l pdbx_image_id",
            "float": "intensity_net intensity_sigma pdbx_scale_value pdbx_scan_angle pdbx_detector_calc_fast "
            "pdbx_detector_calc_slow pdbx_detector_obs_fast pdbx_detector_obs_slow",
        },
    ),
    "pdbx_diffrn_data_section": ("id", {"code": "id type_scattering type_merged type_scaled"}),
    "pdbx_diffrn_data_section_index": (
        "data_section_id parent_data_section_id",
        {"code": "data_section_id parent_data_section_id"},
    ),
    "pdbx_diffrn_scan": (
        "scan_id",
        {
            "code": "scan_id crystal_id",
            "int": "image_id_begin image_id_end",
            "float": "scan_angle_begin scan_angle_end",
        },
    ),
    "pdbx_diffrn_unmerged_cell": (
        "ordinal",
        {
            "int": "ordinal crystal_id",
            "float": "wavelength cell_length_a cell_length_b cell_length_c cell_angle_alpha cell_angle_beta "
            "cell_angle_gamma",
        },
    ),
    "pdbx_diffrn_unmerged_refln": (
        "reflection_id",
        {
            "int": "reflection_id scan_id image_id_begin image_id_end index_h index_k index_l",
            "float": "intensity_meas intensity_sigma intensity_sum intensity_sum_sigma intensity_prf "
            "intensity_prf_sigma scale_value scan_angle_reflection partiality",
        },
    ),
}
ENUMERATIONS = {
    "_refln.status": "o f < - h l x",
    "_pdbx_diffrn_data_section.type_merged": "true false",
    "_pdbx_diffrn_data_section.type_scaled": "true false",
    "_pdbx_diffrn_data_section.type_scattering": "x-ray electron neutron",
    "_diffrn_radiation.pdbx_scattering_type": "x-ray electron neutron",
    "_diffrn_radiation.pdbx_monochromatic_or_laue_m_l": "M L",
    "_reflns.pdbx_CC_split_method": "by_observation by_lattice",
    "_software.type": "package program library other filter jiffy",
}
RANGES = {
    "_cell.length_a": (0.0, None),
    "_reflns.percent_possible_obs": (0.0, 100.0),
    "_reflns_shell.percent_possible_all": (0.0, 100.0),
    "_pdbx_diffrn_unmerged_refln.partiality": (0.0, 1.0),
}


def dictionary() -> gemmi.cif.Document:
    """The excerpt as a dictionary in the language DDL2."""
    lines = ["data_excerpt.dic", "_dictionary.title excerpt.dic", "_dictionary.version 1", "_dictionary.datablock_id x"]
    lines += ["loop_", "_item_type_list.code", "_item_type_list.primitive_code", "_item_type_list.construct"]
    lines += [f"{code} {primitive}\n;{construct}\n;" for code, (primitive, construct) in TYPES.items()]
    for category, (keys, items) in CATEGORIES.items():
        lines += [f"save_{category}", f"_category.id {category}", "loop_", "_category_key.name"]
        lines += [f"'_{category}.{key}'" for key in keys.split()] + ["save_"]
        for kind, names in items.items():
            for name in names.split():
                lines += _item(category, name, kind, name in keys.split())
    return gemmi.cif.read_string("\n".join(lines) + "\n")


def _item(category: str, name: str, kind: str, is_key: bool) -> list[str]:
    tag = f"_{category}.{name}"
    lines = [f"save_{tag}", f"_item.name '{tag}'", f"_item.category_id {category}"]
    lines += [f"_item.mandatory_code {'yes' if is_key else 'no'}", f"_item_type.code {kind}"]
    if tag in ENUMERATIONS:
        lines += ["loop_", "_item_enumeration.value", *(f"'{v}'" for v in ENUMERATIONS[tag].split())]
    if tag in RANGES:
        low, high = ("." if v is None else v for v in RANGES[tag])
        lines += ["loop_", "_item_range.minimum", "_item_range.maximum", f"{low} {high}", f"{low} {low}"]
        lines += [] if high == "." else [f"{high} {high}"]
    return [*lines, "save_"]


def faults(document: gemmi.cif.Document) -> list[str]:
    """What the excerpt has against a file, and names that it does not know."""
    said: list[str] = []
    checker = gemmi.cif.Ddl(logger=(said.append, 6))
    checker.read_ddl(dictionary())
    checker.validate_cif(document)
    return said + [f"{tag} is {value!r}, no integer" for tag, value in _no_integers(document)]


def _no_integers(document: gemmi.cif.Document) -> list[tuple[str, str]]:
    """What stands where the dictionary has integers, which gemmi takes for any text."""
    tags = [f"_{category}.{n}" for category, (_, items) in CATEGORIES.items() for n in items.get("int", "").split()]
    found = [(tag, value) for block in document for tag in tags for value in block.find_values(tag)]
    return [(tag, value) for tag, value in found if not value.lstrip("-").isdigit()]
