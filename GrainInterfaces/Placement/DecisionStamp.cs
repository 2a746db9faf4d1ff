namespace ControlPlane.Placement;

/// <summary>When it was decided where a node is: of two facts about a node the later one holds, whoever tells it.</summary>
/// <remarks>
/// Attempts cannot say that, for each overlay's silos count their own. A later epoch is later, because the leader before it was fenced;
/// within an epoch the clock of the leader counts, as its ledger keeps it: never back, and never the same twice.
/// </remarks>
/// <param name="Epoch">Of the leader that decided.</param>
/// <param name="Ticks">Its time in UTC; 0 for facts from before they had stamps: those are the earliest.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.DecisionStamp")]
public readonly record struct DecisionStamp([property: Id(0)] long Epoch, [property: Id(1)] long Ticks)
{
    public bool IsAfter(DecisionStamp other) => Epoch > other.Epoch || (Epoch == other.Epoch && Ticks > other.Ticks);
}
