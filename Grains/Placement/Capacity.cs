using ControlPlane.Placement.Policies;

namespace ControlPlane.Placement;

/// <summary>The limits of an overlay: those configured, made narrower by the policy, never wider.</summary>
internal static class Capacity
{
    public static (int Soft, int Hard) LimitsOf(CapacityRule rule, OverlayOptions member)
    {
        var capacity = Math.Min(rule.Default ?? member.HardLimit, member.HardLimit);
        var hard = rule.HardFraction is { } hardFraction ? (int)(capacity * hardFraction) : capacity;
        var soft = rule.SoftFraction is { } softFraction ? (int)(capacity * softFraction) : member.SoftLimit;
        return (Math.Min(soft, hard), hard);
    }
}
