namespace ControlPlane.Nodes;

/// <summary>What a layer's conditions and templates may ask of a node.</summary>
/// <param name="Identity">Its identity.</param>
/// <param name="Overlay">The overlay that it goes to.</param>
/// <param name="Labels">That overlay's labels.</param>
/// <param name="Protocol">The protocol that it speaks.</param>
/// <param name="FactsJson">What it says of itself, as a JSON object: not trusted.</param>
/// <param name="ClaimsJson">The verified claims of its token, as a JSON object without secrets: trusted.</param>
internal sealed record NodeSubject(
    string Identity,
    string Overlay,
    IReadOnlyDictionary<string, string> Labels,
    NodeProtocol Protocol,
    string FactsJson,
    string ClaimsJson);
