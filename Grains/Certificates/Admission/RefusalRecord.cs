namespace ControlPlane.Certificates;

/// <summary>Tells whether a CA's refusal is about the order or about the CA. Thread-safe.</summary>
/// <remarks>A CA that refuses everybody has a reason of its own; one that goes on signing for others means this one.</remarks>
internal sealed class RefusalRecord
{
    /// <summary>Refusals that are needed after the first, each with certificates for others since the one before.</summary>
    private const int ConfirmationsMin = 3;

    /// <summary>Beyond that, all begin anew: that costs refusals, and no wrong verdict.</summary>
    private const int OrdersMax = 10_000;

    private readonly Lock gate = new();
    private readonly Dictionary<string, Refused> refused = new(StringComparer.Ordinal);
    private long signed;

    public void OnSigned(string orderId)
    {
        lock (gate)
        {
            signed++;
            refused.Remove(orderId);
        }
    }

    public RefusalVerdict OnRefused(string orderId)
    {
        lock (gate)
        {
            if (!refused.TryGetValue(orderId, out var before))
            {
                if (refused.Count >= OrdersMax)
                {
                    refused.Clear();
                }

                refused[orderId] = new Refused(signed, 0);
                return RefusalVerdict.OfTheIssuer;
            }

            var confirmations = before.Confirmations + (signed > before.Signed ? 1 : 0);
            if (confirmations >= ConfirmationsMin)
            {
                refused.Remove(orderId);
                return RefusalVerdict.OfTheOrder;
            }

            refused[orderId] = new Refused(signed, confirmations);
            return RefusalVerdict.Repeated;
        }
    }

    /// <param name="Signed">How much was signed before it was refused last.</param>
    /// <param name="Confirmations">How often it was refused while others were signed.</param>
    private sealed record Refused(long Signed, int Confirmations);
}

/// <summary>What a refusal says.</summary>
internal enum RefusalVerdict
{
    /// <summary>The CA refuses orders, as far as is known.</summary>
    OfTheIssuer = 0,

    /// <summary>The same order again: nothing new of the CA, and not enough of the order.</summary>
    Repeated = 1,

    /// <summary>It signs for others, and not this one.</summary>
    OfTheOrder = 2,
}
