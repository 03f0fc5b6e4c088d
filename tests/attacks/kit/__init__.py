"""What the attacks share: raw frames, an enemy that keeps to its time, targets, a bystander, and the judge."""
