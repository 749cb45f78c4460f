"""Augmented manifests of Ground Truth, Lookout for Vision and DDA: lines of JSON, and masks in colours."""
