using System.Globalization;

namespace ControlPlane.FleetSimulator.Faults;

/// <summary>How many nodes of a fleet have a fault: a number of them, or a percentage.</summary>
public readonly record struct FaultShare(double Amount, bool IsPercentage)
{
    public static FaultShare Percent(double percentage) => new(percentage, true);

    public static FaultShare Count(int nodes) => new(nodes, false);

    /// <summary>Reads <c>10%</c> or <c>50</c>.</summary>
    /// <exception cref="FormatException">It is neither.</exception>
    public static FaultShare Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var trimmed = text.Trim();
        var isPercentage = trimmed.EndsWith('%');
        return double.TryParse(trimmed.TrimEnd('%'), NumberStyles.Float, CultureInfo.InvariantCulture, out var amount) && amount >= 0
            ? new FaultShare(amount, isPercentage)
            : throw new FormatException($"'{text}' is neither a number of nodes nor a percentage");
    }

    public int Of(int nodes) => (int)Math.Round(IsPercentage ? nodes * Amount / 100 : Amount, MidpointRounding.AwayFromZero);
}
