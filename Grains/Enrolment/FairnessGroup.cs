using System.Text.Json;
using ControlPlane.Nodes;

namespace ControlPlane.Enrolment;

/// <summary>Whose turn an enrolment counts against.</summary>
internal static class FairnessGroup
{
    /// <summary>Of those whose claims are not known any more: they have keys, and are finished first.</summary>
    public const string Resumed = "(resumed)";

    private const string Unnamed = "(none)";

    /// <param name="findings">What the enrolment learnt.</param>
    /// <param name="claim">A claim of the verified token, objects separated by dots.</param>
    public static string Of(EnrolmentFindings? findings, string claim)
    {
        if (findings is null)
        {
            return Resumed;
        }

        using var document = JsonDocument.Parse(findings.ClaimsJson);
        var value = document.RootElement;
        foreach (var name in claim.Split('.'))
        {
            if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty(name, out value))
            {
                return Unnamed;
            }
        }

        return value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } group ? group : Unnamed;
    }
}
