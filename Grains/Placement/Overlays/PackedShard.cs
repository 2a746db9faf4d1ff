namespace ControlPlane.Placement.Overlays;

/// <summary>The nodes of one shard as they are stored: attributes, which repeat a great deal, once each.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.PackedShard")]
internal sealed record PackedShard([property: Id(0)] string[] Texts, [property: Id(1)] PackedNode[] Nodes)
{
    public static PackedShard Of(IReadOnlyCollection<PlacedNode> nodes)
    {
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        var texts = new List<string>();
        var packed = new PackedNode[nodes.Count];
        var at = 0;
        foreach (var node in nodes)
        {
            if (!numbers.TryGetValue(node.Attributes, out var number))
            {
                numbers[node.Attributes] = number = texts.Count;
                texts.Add(node.Attributes);
            }

            packed[at++] = new PackedNode(
                node.Identity, node.Home is not null, node.Held, number, node.Declared, node.Trace, node.Decided,
                node.IsGone);
        }

        return new PackedShard([.. texts], packed);
    }

    /// <param name="overlay">Whose shard it is.</param>
    /// <param name="share">Gives the one instance of a text that all shards share.</param>
    public IEnumerable<PlacedNode> Unpack(string overlay, Func<string, string> share)
    {
        var texts = Array.ConvertAll(Texts, text => share(text));
        foreach (var node in Nodes)
        {
            yield return new PlacedNode(
                node.Identity, node.LivesHere ? overlay : null, node.Held, texts[node.Attributes], node.Declared, node.Trace)
            {
                Decided = node.Decided,
                IsGone = node.IsGone,
            };
        }
    }
}

/// <param name="Identity">The node's identity.</param>
/// <param name="LivesHere">Whether it arrived.</param>
/// <param name="Held">As <see cref="PlacedNode.Held"/>.</param>
/// <param name="Attributes">Number of the text.</param>
/// <param name="Declared">As <see cref="PlacedNode.Declared"/>.</param>
/// <param name="Trace">As <see cref="PlacedNode.Trace"/>.</param>
/// <param name="Decided">As <see cref="PlacedNode.Decided"/>.</param>
/// <param name="IsGone">As <see cref="PlacedNode.IsGone"/>.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.PackedNode")]
internal readonly record struct PackedNode(
    [property: Id(0)] string Identity,
    [property: Id(1)] bool LivesHere,
    [property: Id(2)] Reservation? Held,
    [property: Id(3)] int Attributes,
    [property: Id(4)] int Declared,
    [property: Id(5)] byte[] Trace,
    [property: Id(6)] DecisionStamp Decided,
    [property: Id(7)] bool IsGone);
