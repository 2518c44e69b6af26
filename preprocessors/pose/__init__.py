"""People: detectors, keypoint files, and drawing skeletons as a hint."""
