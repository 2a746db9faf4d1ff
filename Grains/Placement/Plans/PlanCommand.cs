namespace ControlPlane.Placement.Plans;

/// <summary>What an operator may do with a plan.</summary>
internal enum PlanCommand
{
    Approve,
    Pause,
    Resume,
    Abort,
}
