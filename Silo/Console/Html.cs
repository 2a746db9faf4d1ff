using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;

namespace ControlPlane.Console;

/// <summary>A piece of HTML. Whatever is put into one by interpolation is escaped, unless it is HTML itself.</summary>
/// <remarks>So a page cannot forget to escape: what nodes say of themselves is shown here.</remarks>
internal readonly record struct Html(string Markup)
{
    public static Html Empty { get; } = new("");

    /// <summary>Markup from a template: <c>Html.Of($"&lt;b&gt;{name}&lt;/b&gt;")</c>.</summary>
    public static Html Of(Template template) => new(template.ToString());

    /// <summary>Pieces, one after another.</summary>
    public static Html Join(IEnumerable<Html> pieces) => new(string.Concat(pieces.Select(piece => piece.Markup)));

    public override string ToString() => Markup;

    /// <summary>What the compiler makes of an interpolated string: literals are markup, values are text.</summary>
    [InterpolatedStringHandler]
    internal readonly ref struct Template(int literalLength, int formattedCount)
    {
        private const int ValueLength = 16;

        private readonly StringBuilder _markup = new(literalLength + (formattedCount * ValueLength));

        public void AppendLiteral(string markup) => _markup.Append(markup);

        public void AppendFormatted(Html html) => _markup.Append(html.Markup);

        public void AppendFormatted<T>(T value) => AppendText(value as string ?? FormattableString(value, null));

        public void AppendFormatted<T>(T value, string format) => AppendText(FormattableString(value, format));

        public override string ToString() => _markup.ToString();

        private void AppendText(string text) => _markup.Append(HtmlEncoder.Default.Encode(text));

        private static string FormattableString<T>(T value, string? format) => value switch
        {
            IFormattable formattable => formattable.ToString(format, CultureInfo.InvariantCulture),
            null => "",
            _ => value.ToString() ?? "",
        };
    }
}
