// Plots are looked at by people; what can be told without eyes is that points are where they belong and text is text.
import { describe, expect, it } from 'vitest';
import { barPlot, evenTicks, linePlot, logTicks } from './svg.ts';

describe('ticks', () => {
  it('hold all values between the first and the last', () => {
    expect(logTicks([1.2, 48])).toEqual([1, 2, 5, 10, 20, 50]);
    expect(logTicks([10, 10_000], [1])).toEqual([10, 100, 1000, 10_000]);
    expect(evenTicks([0.3, 13.9])).toEqual([0, 2.5, 5, 7.5, 10, 12.5, 15]);
  });
});

describe('a plot', () => {
  const y = { label: 'ratio', log: true, ticks: [1, 10] };

  it('puts the ends of its axes at the ends of its frame', () => {
    const x = { label: 'machines', log: true, ticks: [10, 100, 1000] };
    const points = [
      { x: 10, y: 1 },
      { x: 1000, y: 10 },
    ];
    const svg = linePlot({ title: 't', note: 'n', x, y, series: [{ name: 's', points }] });
    expect(svg).toContain('M74 412 L650 74');
  });

  it('writes what it is told as text, whatever is in it', () => {
    const bars = [{ y: 2, low: 1.5, high: 3 }];
    const plot = { title: '<a> & "b"', note: '', groups: ['g'], y, series: [{ name: 's', bars }], write: String };
    const svg = barPlot(plot);
    expect(svg).toContain('&lt;a&gt; &amp; &quot;b&quot;');
    expect(svg).not.toContain('<a>');
    expect(svg).toMatch(/^<svg [^>]+>\n[^]*<\/svg>\n$/);
  });
});
